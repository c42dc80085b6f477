/** The project that this browser looked at last. */

const KEPT = "lockgate.project";

export function lastProject(): string | null {
  return localStorage.getItem(KEPT);
}

export function rememberProject(name: string): void {
  localStorage.setItem(KEPT, name);
}
