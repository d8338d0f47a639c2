// The name of whoever is signed in, from a cookie, before the first paint: pages are the same for colleagues with equal rights.
"use strict";

{
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith("viewer="));
  if (pair) document.getElementById("viewer").textContent = decodeURIComponent(pair.slice("viewer=".length));
}
