/**
 * Runs one task at a time and, of those asked for meanwhile, only the last. A slider that asks
 * faster than the engine answers is then always one answer behind, never a queue behind.
 */
export function latest<T>(task: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let waiting: { readonly value: T } | undefined;
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting) {
      const { value } = waiting;
      waiting = undefined;
      await task(value);
    }
  }

  return (value) => {
    waiting = { value };
    running ??= drain().finally(() => {
      running = undefined;
    });
    return running;
  };
}
