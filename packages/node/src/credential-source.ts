import { type LooseRef, refQuery } from './credential-ref.js';
import { AuthpipeError } from './errors.js';
import type { HttpTransport } from './http-transport.js';
import { LateBatchError } from './late-batch-error.js';
import { type CredentialAnswer, readCredential } from './read-credential.js';
import { readProblemPart } from './read-problem.js';
import { type RetryTools, withRetries } from './retry.js';

/** The most that the server answers at once. */
const MAX_BATCH = 100;
/** How often a credential that nobody has anything to fall back on for is asked for in all. */
const ATTEMPTS = 3;

/** How a question went: `isFinal` says that it has been asked again already where that was of use. */
type Outcome = { readonly answer: CredentialAnswer } | { readonly error: unknown; readonly isFinal: boolean };

interface Question {
  readonly ref: LooseRef;
  readonly settle: (outcome: Outcome) => void;
}

// Taken at once: a user's tests may put fake timers in its place, under which nothing would ever be sent.
const { setImmediate: atEndOfTurn } = globalThis;

/**
 * Asks the server for credentials: what is asked for in one turn of the event loop goes out as one request, and each
 * question fails or succeeds by itself.
 */
export class CredentialSource {
  readonly #transport: HttpTransport;
  readonly #tools: RetryTools;
  readonly #foreground: Question[] = [];
  readonly #background: Question[] = [];

  constructor(transport: HttpTransport, tools: RetryTools) {
    this.#transport = transport;
    this.#tools = tools;
  }

  /**
   * Fetches the credential of a ref.
   * @param background there is something to fall back on: it is tried only once
   * @throws AuthpipeError
   */
  async fetch(ref: LooseRef, background: boolean): Promise<CredentialAnswer> {
    const ask = async () => {
      const outcome = await this.#gather(ref, background);
      if ('error' in outcome && !outcome.isFinal) throw outcome.error;
      return outcome;
    };
    const outcome = await withRetries(ask, background ? 1 : ATTEMPTS, this.#tools);
    if ('error' in outcome) throw outcome.error;
    return outcome.answer;
  }

  #gather(ref: LooseRef, background: boolean): Promise<Outcome> {
    const waiting = background ? this.#background : this.#foreground;
    return new Promise((settle) => {
      waiting.push({ ref, settle });
      if (waiting.length > 1) return;
      atEndOfTurn(() => {
        const questions = waiting.splice(0);
        while (questions.length > 0) void this.#send(questions.splice(0, MAX_BATCH), background);
      });
    });
  }

  async #send(questions: readonly Question[], background: boolean): Promise<void> {
    const [first] = questions;
    if (questions.length > 1 || first === undefined) await this.#sendBatch(questions, background);
    else await this.#sendOne(first, background);
  }

  async #sendOne({ ref, settle }: Question, background: boolean): Promise<void> {
    try {
      const call = { method: 'GET', path: '/credentials', query: refQuery(ref) } as const;
      const json = await this.#transport.send({ ...call, ...manner(background) });
      settle({ answer: readCredential(json) });
    } catch (error) {
      settle({ error, isFinal: true });
    }
  }

  async #sendBatch(questions: readonly Question[], background: boolean): Promise<void> {
    try {
      const json = await this.#transport.send({
        method: 'POST',
        path: '/credentials/batch',
        body: { credentials: questions.map(({ ref }) => refQuery(ref)) },
        isRead: true,
        // What there is something to fall back on for has not ended: the server waits for no provider then.
        isBatch: !background,
        ...manner(background),
      });
      const items = (json as { credentials?: unknown } | undefined)?.credentials;
      const answers: unknown[] = Array.isArray(items) ? items : [];
      for (const [place, { settle }] of questions.entries()) settle(readItem(answers[place]));
    } catch (error) {
      // One question that this server does not understand, or that takes too long, must not fail the others.
      if (isAboutTheBatch(error)) for (const question of questions) void this.#sendOne(question, background);
      else for (const { settle } of questions) settle({ error, isFinal: true });
    }
  }
}

const manner = (background: boolean) => (background ? { attempts: 1, background } : { attempts: ATTEMPTS });

const isAboutTheBatch = (error: unknown): boolean =>
  error instanceof LateBatchError ||
  (error instanceof AuthpipeError && (error.code === 'invalid_request' || error.code === 'not_found'));

/** An error inside an answer was not tried again yet; a shape that is not understood will not get better. */
const readItem = (item: unknown): Outcome => {
  const { credential, error } = (item ?? {}) as { credential?: unknown; error?: unknown };
  const problem = readProblemPart(error);
  if (problem !== undefined) return { error: problem, isFinal: false };
  try {
    return { answer: readCredential(credential) };
  } catch (reason) {
    return { error: reason, isFinal: true };
  }
};
