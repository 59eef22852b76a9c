/** Whether a result about a subject may be kept. */
export type MayKeep<T> = (subject: string, result: T) => boolean;

/** What was learned of a subject while work was under way. */
interface Notice<T> {
  readonly moment: number;
  /** Results that know of it already. */
  readonly isKnownTo: (result: T) => boolean;
}

/** One key for each path of ids, whatever they hold. */
export const flightKey = (path: readonly string[]): string => JSON.stringify(path);

const knownToNone = () => false;

/** Runs one piece of work per key at a time: who asks while it runs gets its outcome. */
export class Flights<T> {
  readonly #running = new Map<string, Promise<T>>();
  /** Counts departures and notices, to tell which came first. */
  #moment = 0;
  /** Departures of what is under way, the oldest first. */
  readonly #inTheAir = new Set<number>();
  #allForgottenAt = 0;
  /** By subject, the oldest first. */
  readonly #notices = new Map<string, Notice<T>>();

  /**
   * Joins the work that runs for `key`, or starts it.
   * @param work is told by `mayKeep(subject, result)` whether its result about a subject may be kept: not, when that
   *   subject was forgotten, or outdated by something that the result does not know, after the work began.
   */
  join(key: string, work: (mayKeep: MayKeep<T>) => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    this.#moment += 1;
    const departedAt = this.#moment;
    this.#inTheAir.add(departedAt);
    const mayKeep: MayKeep<T> = (subject, result) => {
      const notice = this.#notices.get(subject);
      const isUnnoticed = notice === undefined || departedAt > notice.moment || notice.isKnownTo(result);
      return departedAt > this.#allForgottenAt && isUnnoticed;
    };
    const flight = work(mayKeep).finally(() => {
      if (this.#running.get(key) === flight) this.#running.delete(key);
      this.#inTheAir.delete(departedAt);
      this.#dropOldNotices();
    });
    this.#running.set(key, flight);
    return flight;
  }

  /**
   * What is under way must not be kept where it is about this subject, and nobody new joins it.
   * @param isKnownTo which results may be kept all the same
   */
  forget(subject: string, isKnownTo: (result: T) => boolean = knownToNone): void {
    this.#notice(subject, isKnownTo);
    this.#running.clear();
  }

  /** As `forget`, but who asks may still join what is under way, except for these keys. */
  outdate(subject: string, isKnownTo: (result: T) => boolean, keys: readonly string[]): void {
    this.#notice(subject, isKnownTo);
    for (const key of keys) this.#running.delete(key);
  }

  /** As `forget`, for every subject. */
  forgetAll(): void {
    this.#moment += 1;
    this.#allForgottenAt = this.#moment;
    this.#running.clear();
  }

  #notice(subject: string, isKnownTo: (result: T) => boolean): void {
    this.#moment += 1;
    if (this.#inTheAir.size === 0) return;
    this.#notices.delete(subject);
    this.#notices.set(subject, { moment: this.#moment, isKnownTo });
  }

  /** Notices older than all that is under way have done their work. */
  #dropOldNotices(): void {
    const [oldest = Number.POSITIVE_INFINITY] = this.#inTheAir;
    for (const [subject, { moment }] of this.#notices) {
      if (moment > oldest) return;
      this.#notices.delete(subject);
    }
  }
}
