// Passkeys: forms that ask the browser for one before they are sent.

function bytesOf(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
function textOf(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
function withBytes(descriptors = []) {
  return descriptors.map((each) => ({ ...each, id: bytesOf(each.id) }));
}

// The options as the browser wants them: bytes in place of text.
function readOptions(options) {
  const read = { ...options, challenge: bytesOf(options.challenge) };
  if (options.user) read.user = { ...options.user, id: bytesOf(options.user.id) };
  if (options.allowCredentials) read.allowCredentials = withBytes(options.allowCredentials);
  if (options.excludeCredentials) read.excludeCredentials = withBytes(options.excludeCredentials);
  return read;
}
function writeAnswer(credential) {
  const response = {};
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  for (const name of names) {
    if (credential.response[name]) response[name] = textOf(credential.response[name]);
  }
  const { id, type } = credential;
  return JSON.stringify({ id, rawId: id, type, response, clientExtensionResults: {} });
}

async function askForPasskey(form) {
  const answer = await fetch(form.dataset.options, { method: "POST", body: new FormData(form) });
  if (answer.status === 401) {
    // Too much time has passed since the viewer confirmed who they are: the page asks again.
    location.reload();
    return new Promise(() => {});
  }
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.error);
  const publicKey = readOptions(options.publicKey);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey });
}

async function sendWithPasskey(form) {
  const refused = form.querySelector("[data-refused]");
  const button = form.querySelector("button");
  refused.dataset.text ??= refused.textContent;
  refused.hidden = true;
  button.disabled = true;
  try {
    form.elements.credential.value = writeAnswer(await askForPasskey(form));
    form.submit();
  } catch (error) {
    // A DOMException is the browser's: its owner has cancelled, or has no passkey.
    const isOurs = error.constructor === Error && error.message;
    refused.textContent = isOurs ? error.message : refused.dataset.text;
    refused.hidden = false;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sendWithPasskey(form);
    });
  }
  for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = true;
}
