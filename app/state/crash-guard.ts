/**
 * A tab that ran out of memory reloads and would run out again. The mark says that a run was on;
 * a page that finds it at start brings the pictures back and starts nothing by itself. It is the tab's
 * own: another one, opened meanwhile, has not crashed.
 */
const KEY = 'likewise:running';

export function markRun(on: boolean): void {
  try {
    if (on) sessionStorage.setItem(KEY, '1');
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage is refused in some private windows: the guard is then off.
  }
}

/** True once after a visit that ended in the middle of a run. */
export function tookCrash(): boolean {
  try {
    const found = sessionStorage.getItem(KEY) !== null;
    sessionStorage.removeItem(KEY);
    return found;
  } catch {
    return false;
  }
}
