// One piece of work at a time; of what is asked for meanwhile only the newest is done.

/** @template T */
export class Newest {
  #work;
  #busy = false;
  /** @type {{ task: T } | null} */ #waiting = null;

  /** @param {(task: T) => Promise<unknown>} work */
  constructor(work) {
    this.#work = work;
  }

  /** @param {T} task */
  async ask(task) {
    this.#waiting = { task };
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting) {
        const next = this.#waiting;
        this.#waiting = null;
        await this.#work(next.task);
      }
    } finally {
      this.#busy = false;
    }
  }
}
