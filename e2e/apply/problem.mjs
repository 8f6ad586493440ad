/** What went wrong, in the words the person reads: a sentence, and one that says what to do. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {{ code?: string, remedy?: string, cause?: unknown }} [detail] `code`: the engine's,
   *   `apply/refused` for what never reached it, or `apply/stopped`; `cause`: for the record only
   */
  constructor(message, { code = 'apply/refused', remedy = '', cause } = {}) {
    super(message, { cause });
    this.code = code;
    this.remedy = remedy;
  }

  get sentences() {
    return [this.message, this.remedy].filter(Boolean).join(' ');
  }
}
