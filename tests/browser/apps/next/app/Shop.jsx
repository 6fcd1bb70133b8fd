"use client";
import { usePathname } from "next/navigation";
import { useState } from "react";
import { Bell } from "./Bell.jsx";

export function Shop() {
  const [shown, setShown] = useState(true);
  return (
    <>
      <output id="place">{usePathname()}</output>
      <button onClick={() => setShown(!shown)}>Toggle</button>
      {shown && <Bell user="next" />}
    </>
  );
}
