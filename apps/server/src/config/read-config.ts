import { resolve } from 'node:path';
import { isLoopbackHost } from '@authpipe/providers';
import { environmentName } from '@authpipe/types';
import { z } from 'zod';
import { StartError } from '../errors/start-error.js';
import { parseEncryptionKeys } from './parse-encryption-keys.js';
import { type OtlpTarget, readOtlpTarget } from './read-otlp-target.js';
import { type Environment, readVariable } from './read-variable.js';

/** What an operator can set; the table is in the README. Secrets are not enumerable: printing the object shows none. */
export interface Config {
  /** Unless `AUTHPIPE_URL` is loopback and `NODE_ENV` is not `production`. Then the strict rules hold. */
  readonly isProduction: boolean;
  /** 0 for any free one. */
  readonly port: number;
  /** Origin under which browsers and providers reach the server, without a slash at its end. */
  readonly publicUrl: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Secret: may hold a password. The embedded database, when left out. */
  readonly databaseUrl: string | undefined;
  /** Secret. The same database without a transaction pooler between; `databaseUrl`, when left out. */
  readonly databaseDirectUrl: string | undefined;
  /** Secret: root keys of the vault, the first seals. `null` when none is given: see `encryptionKeysOf`. */
  readonly encryptionKeys: readonly Buffer[] | null;
  /** Secret: an API key that exists from boot on. */
  readonly bootApiKey: string | undefined;
  /** Whether a provider's host may be loopback. */
  readonly allowLoopback: boolean;
  readonly probeIntervalSeconds: number;
  readonly logLevel: string;
  /** The name of this deployment, which its database has to bear; `null`: the data folder remembers a random one. */
  readonly deploymentId: string | null;
  /** How many proxies in front of the server set `X-Forwarded-For`: the address of a caller is read from there. */
  readonly trustedProxies: number;
  /** How long the audit is kept. */
  readonly auditRetentionDays: number;
  /** Secret: the address may hold a token. Where metrics are pushed to; `null`: nowhere. */
  readonly otlp: OtlpTarget | null;
}

const SECRETS = ['databaseUrl', 'databaseDirectUrl', 'encryptionKeys', 'bootApiKey', 'otlp'] as const;

const wholeNumber = (unit: string, min: number, max: number, byDefault: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number${unit}`)
    .transform(Number)
    .refine((number) => number >= min && number <= max, `must be between ${min} and ${max}`)
    .default(byDefault);

const postgresUrl = z
  .string()
  .refine(
    (value) => /^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? ''),
    'must be a URL such as postgres://user:password@host:5432/authpipe (percent-encode what is special in the password)',
  );

const encryptionKeys = z.string().transform((value, context): readonly Buffer[] => {
  const parsed = parseEncryptionKeys(value);
  if (parsed.ok) return parsed.keys;
  context.addIssue({ code: 'custom', message: parsed.error });
  return z.NEVER;
});

const publicUrl = z.string().transform((value, context): URL => {
  const url = URL.parse(value);
  const isOrigin = url && `${url.origin}/` === url.href && /^https?:$/.test(url.protocol);
  if (isOrigin) return url;
  context.addIssue({
    code: 'custom',
    message: 'must be an origin such as https://authpipe.example.com, without a path',
  });
  return z.NEVER;
});

/** As `access/` reads keys. */
const API_KEY = /^ap_([a-z0-9]+)_([A-Za-z0-9_-]{8,256})$/;
/** 32 hexadecimal digits are 128 random bits. In development a key may be one that people can type. */
const PRODUCTION_KEY_CHARACTERS = 32;

const variables = z.object({
  PORT: wholeNumber('', 0, 65_535, 4600),
  AUTHPIPE_URL: publicUrl.optional(),
  AUTHPIPE_DATA_DIR: z.string().default('.authpipe'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_DIRECT_URL: postgresUrl.optional(),
  AUTHPIPE_ENCRYPTION_KEY: encryptionKeys.optional(),
  AUTHPIPE_API_KEY: z
    .string()
    .refine(
      (key) => environmentName.safeParse(API_KEY.exec(key)?.[1]).success,
      'must be ap_ENVIRONMENT_ and 32 or more random letters, digits, - and _, such as ap_live_ and what `openssl rand -hex 32` prints',
    )
    .optional(),
  AUTHPIPE_DEV_ALLOW_LOOPBACK: z.enum(['0', '1'], 'must be 1, or left out').default('0'),
  // A week: a connection that nobody looks at for longer has no health to speak of.
  AUTHPIPE_PROBE_INTERVAL_SECONDS: wholeNumber(' of seconds', 1, 604_800, 900),
  AUTHPIPE_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  AUTHPIPE_DEPLOYMENT_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _, such as prod or staging')
    .optional(),
  AUTHPIPE_TRUSTED_PROXIES: wholeNumber('', 0, 10, 0),
  // A year unless told; ten at most, since who keeps it for ever should export it.
  AUTHPIPE_AUDIT_RETENTION_DAYS: wholeNumber(' of days', 1, 3_650, 365),
});

const readVariables = (environment: Environment): z.output<typeof variables> => {
  const given = Object.keys(variables.shape).map((name) => [name, readVariable(environment, name)]);
  const parsed = variables.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  // Zod's own words may quote what was given; only the ones above and those about kinds are used here.
  throw new StartError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}.`).join('\n'),
  );
};

const hideSecrets = (config: Config): Config => {
  for (const name of SECRETS) Object.defineProperty(config, name, { enumerable: false });
  return Object.freeze(config);
};

/**
 * Reads the settings, each `NAME` also as `NAME_FILE`.
 * @throws StartError that names each variable that is wrong and what it should be; never with a value that may be secret
 */
export const readConfig = (environment: Environment): Config => {
  const given = readVariables(environment);
  const url = given.AUTHPIPE_URL ?? new URL(`http://localhost:${given.PORT}`);
  const isLoopback = isLoopbackHost(url.host);
  const isProduction = !isLoopback || environment.NODE_ENV === 'production';
  const allowLoopback = given.AUTHPIPE_DEV_ALLOW_LOOPBACK === '1';
  // On loopback nothing passes a network; a proxy there ends TLS.
  if (!isLoopback && url.protocol !== 'https:') {
    throw new StartError(
      'AUTHPIPE_URL must be https:// in production: session cookies and authorization codes pass there. For development, set it to a loopback URL and NODE_ENV to something else than production.',
    );
  }
  if (allowLoopback && isProduction) {
    throw new StartError(
      'AUTHPIPE_DEV_ALLOW_LOOPBACK is for development: take it away, or set AUTHPIPE_URL to a loopback URL and NODE_ENV to something else than production.',
    );
  }
  const bootSecret = API_KEY.exec(given.AUTHPIPE_API_KEY ?? '')?.[2];
  if (isProduction && bootSecret !== undefined && bootSecret.length < PRODUCTION_KEY_CHARACTERS) {
    throw new StartError(
      'AUTHPIPE_API_KEY must have at least 32 random characters after ap_ENVIRONMENT_ in production: `openssl rand -hex 32` prints some.',
    );
  }
  if (given.DATABASE_DIRECT_URL !== undefined && given.DATABASE_URL === undefined) {
    throw new StartError('DATABASE_DIRECT_URL is given without DATABASE_URL: set that too.');
  }
  return hideSecrets({
    isProduction,
    port: given.PORT,
    publicUrl: url.origin,
    dataDir: resolve(given.AUTHPIPE_DATA_DIR),
    databaseUrl: given.DATABASE_URL,
    databaseDirectUrl: given.DATABASE_DIRECT_URL,
    encryptionKeys: given.AUTHPIPE_ENCRYPTION_KEY ?? null,
    bootApiKey: given.AUTHPIPE_API_KEY,
    allowLoopback,
    probeIntervalSeconds: given.AUTHPIPE_PROBE_INTERVAL_SECONDS,
    logLevel: given.AUTHPIPE_LOG_LEVEL,
    deploymentId: given.AUTHPIPE_DEPLOYMENT_ID ?? null,
    trustedProxies: given.AUTHPIPE_TRUSTED_PROXIES,
    auditRetentionDays: given.AUTHPIPE_AUDIT_RETENTION_DAYS,
    otlp: readOtlpTarget(environment),
  });
};
