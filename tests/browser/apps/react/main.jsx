import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, useLocation } from "react-router";
import { Bell } from "./Bell.jsx";

function Shop() {
  const [shown, setShown] = useState(true);
  return (
    <>
      <output id="place">{useLocation().pathname}</output>
      <button onClick={() => setShown(!shown)}>Toggle</button>
      {shown && <Bell user="react" />}
    </>
  );
}

const app = (
  <StrictMode>
    <BrowserRouter>
      <Shop />
    </BrowserRouter>
  </StrictMode>
);
createRoot(document.getElementById("app")).render(app);
