/** Runs one piece of work per key at a time: who asks while it runs gets its outcome. */
export class Flights<T> {
  readonly #running = new Map<string, Promise<T>>();
  /** Counts departures and forgettings, to tell which came first. */
  #moment = 0;
  #inTheAir = 0;
  #allForgottenAt = 0;
  readonly #forgottenAt = new Map<string, number>();

  /**
   * Joins the work that runs for `key`, or starts it.
   * @param work is told by `mayKeep(subject)` whether its result about a subject may be kept: not, when that subject
   *   was forgotten after the work began.
   */
  join(key: string, work: (mayKeep: (subject: string) => boolean) => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    this.#moment += 1;
    this.#inTheAir += 1;
    const departedAt = this.#moment;
    const mayKeep = (subject: string) =>
      departedAt > this.#allForgottenAt && departedAt > (this.#forgottenAt.get(subject) ?? 0);
    const flight = work(mayKeep).finally(() => {
      if (this.#running.get(key) === flight) this.#running.delete(key);
      this.#inTheAir -= 1;
      // Nothing under way is older than what was forgotten: the list has done its work.
      if (this.#inTheAir === 0) this.#forgottenAt.clear();
    });
    this.#running.set(key, flight);
    return flight;
  }

  /** What is under way must not be kept where it is about this subject, and nobody new joins it. */
  forget(subject: string): void {
    this.#moment += 1;
    if (this.#inTheAir > 0) this.#forgottenAt.set(subject, this.#moment);
    this.#running.clear();
  }

  /** The same for every subject. */
  forgetAll(): void {
    this.#moment += 1;
    this.#allForgottenAt = this.#moment;
    this.#running.clear();
  }
}
