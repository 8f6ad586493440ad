/**
 * The app's own base URL, as seen from this worker. A build puts the worker into `<base>/assets/`;
 * the dev server serves the public folder at its root.
 */
export function appBase(): string {
  return new URL(import.meta.env.DEV ? '/' : '../', self.location.href).href;
}
