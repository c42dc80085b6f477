/** Where this page lies: the server says how far up the UI's folder is, whatever proxy is before it. */

const told = document.querySelector<HTMLMetaElement>('meta[name="lockgate-ui"]')?.content ?? "./";

/** The URL of the UI's folder, ending in a slash: `https://host/prefix/ui/`. */
export const UI = new URL(told, window.location.href);

/** The URL of the server, ending in a slash: `https://host/prefix/`. */
export const SERVER = new URL("..", UI);

/** What the server lets inline styles of this page be marked with. */
export const NONCE =
  document.querySelector<HTMLMetaElement>('meta[name="lockgate-nonce"]')?.content || undefined;
