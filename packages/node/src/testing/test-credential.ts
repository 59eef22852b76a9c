import type {
  Connection,
  ConnectionAccount,
  ConnectionKind,
  Credential,
  ImportedCredential,
  Metadata,
} from '@authpipe/types';

/** What a connection of a test holds; everything may be left out. */
export interface TestCredential {
  /** The token, key or pair. Default: `test-credential-1`, and so on. */
  readonly credential?: string;
  /** Default: `oauth2`. */
  readonly kind?: ConnectionKind;
  /** Default: `Basic` for `basic`, `N_A` for `webhook_secret`, else `Bearer`. */
  readonly tokenType?: string;
  /**
   * Default: `authorization`, with token type and credential; none for `webhook_secret`. A refresh puts the new credential
   * in.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** The parts, where a credential has several. */
  readonly fields?: Readonly<Record<string, string>>;
  /** `null`: it has no end. Default: 3,600 for `oauth2` and `client_credentials`, else `null`. */
  readonly expiresInSeconds?: number | null;
  /** Whether the server gets a new one by itself before it ends. Default: whether it ends. */
  readonly renewable?: boolean;
  /** Scopes that were granted. Default: none. */
  readonly scopes?: readonly string[];
  /** Scopes that were asked for and not granted. Default: none. */
  readonly missingScopes?: readonly string[];
  /** Where the provider's API is. Default: `https://api.example.com`. */
  readonly baseUrl?: string | null;
  /** The account at the provider. Default: `null`. */
  readonly account?: ConnectionAccount | null;
  /** Settings at the provider. Default: none. */
  readonly config?: Readonly<Record<string, string>>;
  /** The app's own pairs. Default: none. */
  readonly metadata?: Metadata;
}

/** The secret part of a connection, with its times in milliseconds since 1970. */
export interface StoredCredential {
  readonly credential: string;
  readonly kind: ConnectionKind;
  readonly tokenType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly baseUrl: string | null;
  /** What a new one lives for; `null` for ever. */
  readonly lifetimeSeconds: number | null;
  readonly isRenewable: boolean;
  readonly expiresAtMillis: number | null;
  readonly refreshAfterMillis: number | null;
}

/** Others are `Bearer`. @see RFC 8693 section 2.2.1 for `N_A` */
const TOKEN_TYPES: Partial<Record<ConnectionKind, string>> = { basic: 'Basic', webhook_secret: 'N_A' };
const DEFAULT_LIFETIME_SECONDS = 3_600;
/** As long before the end as the server begins to fetch the next, or at half of a short life. */
const REFRESH_MARGIN_SECONDS = 300;

/** The credential that a test asks for, which holds the token `credential`. */
export const storedCredential = (
  given: TestCredential,
  credential: string,
  nowMillis: number,
): StoredCredential => {
  const { kind = 'oauth2' } = given;
  const tokenType = given.tokenType ?? TOKEN_TYPES[kind] ?? 'Bearer';
  const ends = kind === 'oauth2' || kind === 'client_credentials';
  const lifetimeSeconds =
    given.expiresInSeconds === undefined ? (ends ? DEFAULT_LIFETIME_SECONDS : null) : given.expiresInSeconds;
  return {
    ...{ credential, kind, tokenType, fields: given.fields, lifetimeSeconds },
    headers:
      given.headers ?? (kind === 'webhook_secret' ? {} : { authorization: `${tokenType} ${credential}` }),
    baseUrl: given.baseUrl === undefined ? 'https://api.example.com' : given.baseUrl,
    isRenewable: given.renewable ?? lifetimeSeconds !== null,
    ...endingIn(lifetimeSeconds, nowMillis),
  };
};

/** When a credential ends that lives so long from now, and from when it is renewed. */
export const endingIn = (
  seconds: number | null,
  nowMillis: number,
): Pick<StoredCredential, 'expiresAtMillis' | 'refreshAfterMillis'> => {
  if (seconds === null) return { expiresAtMillis: null, refreshAfterMillis: null };
  const marginSeconds = Math.min(REFRESH_MARGIN_SECONDS, seconds / 2);
  const expiresAtMillis = nowMillis + seconds * 1_000;
  return { expiresAtMillis, refreshAfterMillis: expiresAtMillis - marginSeconds * 1_000 };
};

/** The next credential in place of an old one, wherever the old one stood. */
export const renewed = (old: StoredCredential, credential: string, nowMillis: number): StoredCredential => ({
  ...old,
  credential,
  headers: Object.fromEntries(
    Object.entries(old.headers).map(([name, value]) => [name, value.replaceAll(old.credential, credential)]),
  ),
  ...endingIn(old.lifetimeSeconds, nowMillis),
});

/** What `GET /v1/credentials` answers. */
export const toCredential = (connection: Connection, stored: StoredCredential): Credential => ({
  credential: stored.credential,
  kind: stored.kind,
  tokenType: stored.tokenType,
  headers: { ...stored.headers },
  ...(stored.fields === undefined ? {} : { fields: { ...stored.fields } }),
  expiresAt: timeOf(stored.expiresAtMillis),
  refreshAfter: stored.isRenewable ? timeOf(stored.refreshAfterMillis) : null,
  scopes: [...connection.scopes],
  connectionId: connection.id,
  version: connection.version,
  status: connection.status,
  reason: connection.reason,
  account: connection.account,
  baseUrl: stored.baseUrl,
});

const timeOf = (millis: number | null): string | null =>
  millis === null ? null : new Date(millis).toISOString();

/** What an import brings, as a test would ask for it. */
export const fromImport = (given: ImportedCredential, nowMillis: number): TestCredential => {
  if ('accessToken' in given) {
    const { accessToken, refreshToken, expiresAt, scopes } = given;
    const expiresInSeconds = expiresAt === undefined ? null : (Date.parse(expiresAt) - nowMillis) / 1_000;
    const renewable = refreshToken !== undefined;
    return { credential: accessToken, expiresInSeconds, renewable, ...(scopes ? { scopes } : {}) };
  }
  if ('apiKey' in given) return { kind: 'api_key', credential: given.apiKey };
  if ('webhookSecret' in given) return { kind: 'webhook_secret', credential: given.webhookSecret };
  if ('username' in given) {
    const { username, password } = given;
    const credential = Buffer.from(`${username}:${password}`).toString('base64');
    return { kind: 'basic', credential, fields: { username, password } };
  }
  return { kind: 'client_credentials', ...(given.scopes ? { scopes: given.scopes } : {}) };
};
