import { Shop } from "./Shop.jsx";

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Shop />
        {children}
      </body>
    </html>
  );
}
