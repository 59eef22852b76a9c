import { invalidRequest } from './errors.js';
import { nodeTypes } from './node-modules.js';
import { webhookInvalid } from './webhook-error.js';

/** Headers of a request: an object with names in any case (Node's `request.headers`), or a `Headers`. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The body exactly as it came in, before any parser: a string, or bytes such as a `Buffer`. */
export type WebhookBody = string | Uint8Array | ArrayBuffer;

/** A webhook as the app received it. */
export interface WebhookRequest {
  readonly headers: WebhookHeaders;
  readonly body: WebhookBody;
}

/** More than any signature needs, and than most servers accept. */
const LONGEST_HEADER = 16_384;

/** A webhook whose headers and body have a form that can be checked. */
export class ReceivedWebhook {
  /** The body's exact bytes. */
  readonly bytes: Uint8Array;
  readonly #headers: readonly (readonly [name: string, value: unknown])[];

  /** @throws AuthpipeError `invalid_request` for a parsed body, and for headers that are none */
  constructor(request: WebhookRequest) {
    const { headers, body } = request ?? {};
    this.bytes = bytesOf(body);
    if (typeof headers !== 'object' || headers === null) {
      throw invalidRequest(
        'headers must be those of the request: an object of names and values, or a Headers.',
        '/headers',
      );
    }
    const isList = typeof headers.forEach === 'function' && typeof headers.get === 'function';
    this.#headers = isList ? [...(headers as Headers).entries()] : Object.entries(headers);
  }

  /**
   * The value of a header that has to be there once, in whatever case it is written.
   * @throws AuthpipeError `webhook_invalid` when it is missing, repeated or too long
   */
  header(name: string): string {
    const values = this.#headers
      .filter(([candidate]) => candidate.toLowerCase() === name)
      .flatMap(([, value]) => value)
      .filter((value): value is string => typeof value === 'string' && value !== '');
    const [value] = values;
    if (value === undefined) {
      throw webhookInvalid(
        'header_missing',
        `The header ${name} is missing: pass all headers of the request, and check that the sender signs its webhooks.`,
      );
    }
    if (values.length > 1 || value.length > LONGEST_HEADER) {
      const what =
        values.length > 1 ? 'is there more than once' : `is longer than ${LONGEST_HEADER} characters`;
      throw webhookInvalid('header_malformed', `The header ${name} ${what}: don't trust this webhook.`);
    }
    return value;
  }

  /** The body's JSON, or `undefined` where it is not JSON in UTF-8. */
  json(): unknown {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(this.bytes));
    } catch {
      // The parser's error quotes the body.
      return undefined;
    }
  }
}

const bytesOf = (body: unknown): Uint8Array => {
  if (typeof body === 'string') return Buffer.from(body);
  if (nodeTypes().isUint8Array(body)) return body;
  if (nodeTypes().isArrayBuffer(body)) return new Uint8Array(body);
  throw invalidRequest(
    "body must be the raw body, a string or bytes, since its exact bytes are signed: with Express put express.raw({ type: 'application/json' }) on this route instead of express.json(), in a fetch handler pass await request.text().",
    '/body',
  );
};
