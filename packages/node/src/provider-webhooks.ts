import { type AuthpipeEvent, type Credential, type WebhookScheme, webhookScheme } from '@authpipe/types';
import { abortable } from './abortable.js';
import { checkedSignal } from './call-arguments.js';
import { callSite, errorOfCaller } from './caller-stack.js';
import type { Clock } from './clock.js';
import type { CallOptions, Connections } from './connections.js';
import { checkRef, type LooseRef, refQuery } from './credential-ref.js';
import { AuthpipeError, invalidRequest } from './errors.js';
import { type HttpTransport, pathOf } from './http-transport.js';
import { type HowToRead, KeptValues } from './kept-values.js';
import type { NamedSecrets } from './named-secrets.js';
import { readCredential } from './read-credential.js';
import { webhookInvalid } from './webhook-error.js';
import { ReceivedWebhook, type WebhookRequest } from './webhook-request.js';
import { checkByScheme } from './webhook-scheme.js';

/** A provider's webhook and where its secret is. */
export interface ProviderWebhookInput extends WebhookRequest {
  /**
   * Name of the connection's named secret that the provider signs with. Left out: the connection's credential is the
   * secret, being of kind `webhook_secret`.
   */
  readonly secretName?: string | undefined;
  /** Which header holds the secret, where the provider lets its administrators pick one. Default: the provider's. */
  readonly header?: string | undefined;
}

/** What the check needs. */
export interface ProviderWebhooksSettings {
  readonly transport: HttpTransport;
  readonly connections: Connections;
  readonly secrets: NamedSecrets;
  /** Reads a credential, from the cache where it can be. */
  readonly readCredential: (ref: LooseRef) => Promise<Credential>;
  readonly clock: Clock;
  readonly maxEntries: number;
  readonly maxAgeSeconds: number;
}

/** A secret with what it belongs to. */
interface HeldSecret {
  readonly secret: string;
  readonly connectionId: string;
  readonly provider: string;
}

interface HeldScheme {
  readonly provider: string;
  /** `undefined` where the catalogue knows none. */
  readonly scheme: WebhookScheme | undefined;
}

/** Schemes change with the server's version only. */
const SCHEME_AGE_MILLIS = 3_600_000;
/** More than there are providers. */
const MOST_SCHEMES = 1_000;

/** Checks providers' webhooks with secrets that are read from the server and kept for a while. */
export class ProviderWebhooks {
  readonly #settings: ProviderWebhooksSettings;
  readonly #secrets: KeptValues<HeldSecret>;
  readonly #schemes: KeptValues<HeldScheme>;

  constructor(settings: ProviderWebhooksSettings) {
    const { now } = settings.clock;
    this.#settings = settings;
    this.#secrets = new KeptValues({
      now,
      maxEntries: settings.maxEntries,
      maxAgeMillis: settings.maxAgeSeconds * 1_000,
      subjectOf: ({ connectionId }) => connectionId,
    });
    this.#schemes = new KeptValues({
      now,
      maxEntries: MOST_SCHEMES,
      maxAgeMillis: SCHEME_AGE_MILLIS,
      subjectOf: ({ provider }) => provider,
    });
  }

  /** The body's JSON, or the body as it was given where it is not JSON. @throws AuthpipeError */
  async verify(ref: LooseRef, input: ProviderWebhookInput, options: CallOptions): Promise<unknown> {
    checkRef(ref);
    const { signal } = checkedSignal(options);
    const webhook = new ReceivedWebhook(input);
    signal?.throwIfAborted();
    const site = callSite();
    try {
      await abortable(this.#check(ref, input, webhook), signal);
    } catch (error) {
      throw errorOfCaller(error, site);
    }
    const json = webhook.json();
    return json === undefined ? input.body : json;
  }

  /** Has the secrets of a connection read again that something happened to; those of one that is gone are forgotten. */
  heed({ connectionId, type }: AuthpipeEvent): void {
    if (connectionId === null) return;
    if (type === 'connection.deleted') this.#secrets.forget(connectionId);
    else this.#secrets.outdate(connectionId);
  }

  /** Forgets the secrets of a connection. */
  forget(connectionId: string): void {
    this.#secrets.forget(connectionId);
  }

  /** Forgets every secret. */
  forgetAll(): void {
    this.#secrets.forgetAll();
  }

  async #check(ref: LooseRef, input: ProviderWebhookInput, webhook: ReceivedWebhook): Promise<void> {
    const { secretName, header } = input;
    const key = JSON.stringify([Object.entries(refQuery(ref)).sort(), secretName ?? null]);
    const read = (how: HowToRead) => this.#readSecret(ref, secretName, how);
    const held = await this.#secrets.get(key, read);
    const scheme = withHeader(await this.#schemeOf(held.provider), header);
    const now = this.#settings.clock.now;
    try {
      checkByScheme(scheme, webhook, held.secret, now());
    } catch (error) {
      if (!(error instanceof AuthpipeError) || error.reason !== 'signature_mismatch')
        throw about(held, error);
      // The secret may have been changed since it was read.
      const current = await this.#secrets.getAgain(key, read);
      if (current.secret === held.secret) throw about(held, error);
      try {
        checkByScheme(scheme, webhook, current.secret, now());
      } catch (again) {
        throw about(current, again);
      }
    }
  }

  async #readSecret(ref: LooseRef, secretName: string | undefined, how: HowToRead): Promise<HeldSecret> {
    const { secret, connectionId } =
      secretName === undefined ? await this.#readMain(ref, how) : await this.#readNamed(ref, secretName, how);
    const provider = ref.provider ?? (await this.#settings.connections.get(connectionId, {})).provider;
    return { secret, connectionId, provider };
  }

  /** The connection's credential. Kept here and not in the cache: there it would be dropped before it is read again. */
  async #readMain(ref: LooseRef, how: HowToRead) {
    const call = { method: 'GET', path: '/credentials', query: refQuery(ref), ...how } as const;
    const { credential } = readCredential(await this.#settings.transport.send(call));
    if (credential.kind !== 'webhook_secret') {
      throw invalidRequest(
        `This connection's credential is of kind ${credential.kind}, no webhook secret: keep the secret with putSecret, and give its name as secretName.`,
        '/secretName',
      );
    }
    return { secret: credential.credential, connectionId: credential.connectionId };
  }

  async #readNamed(ref: LooseRef, name: string, how: HowToRead) {
    const connectionId = await this.#connectionIdOf(ref);
    const { value } = await this.#settings.secrets.get(connectionId, name, how);
    return { secret: value, connectionId };
  }

  async #connectionIdOf(ref: LooseRef): Promise<string> {
    if (ref.connectionId !== undefined) return ref.connectionId;
    try {
      return (await this.#settings.readCredential(ref)).connectionId;
    } catch (error) {
      // Its webhooks go on when its grant has ended, or no token is to be had: all that is wanted here is the id.
      if (error instanceof AuthpipeError && error.connectionId !== undefined) return error.connectionId;
      throw error;
    }
  }

  async #schemeOf(provider: string): Promise<WebhookScheme> {
    const path = pathOf('providers', provider);
    const { scheme } = await this.#schemes.get(provider, async (how) => {
      const json = await this.#settings.transport.send({ method: 'GET', path, ...how });
      return { provider, scheme: readScheme(json) };
    });
    if (scheme !== undefined) return scheme;
    throw invalidRequest(
      'The catalogue of the Authpipe server does not say how this provider proves its webhooks, so none of them can be checked.',
    );
  }
}

const readScheme = (json: unknown): WebhookScheme | undefined => {
  const webhooks = typeof json === 'object' && json !== null ? Reflect.get(json, 'webhooks') : undefined;
  if (webhooks === undefined) return undefined;
  const read = webhookScheme.safeParse(webhooks);
  if (read.success) return read.data;
  throw invalidRequest(
    'The Authpipe server names a webhook scheme that this client does not know: update @authpipe/node.',
  );
};

const withHeader = (scheme: WebhookScheme, header: string | undefined): WebhookScheme => {
  if (header === undefined) return scheme;
  if (scheme.kind === 'shared_secret' && scheme.headerIsChosen === true && header !== '') {
    return { ...scheme, header: header.toLowerCase() };
  }
  throw invalidRequest('This provider sends its proof in a header of its own: leave header out.', '/header');
};

/** The same error, with the connection that it is about. */
const about = ({ connectionId }: HeldSecret, error: unknown): unknown =>
  error instanceof AuthpipeError && error.code === 'webhook_invalid'
    ? webhookInvalid(error.reason as Parameters<typeof webhookInvalid>[0], error.message, connectionId)
    : error;
