import { type DestinationStream, type Logger, pino } from 'pino';
import { currentLogContext } from './log-context.js';

export type { Logger } from 'pino';

/** Names of fields whose values never reach a log, wherever they stand in an object. */
const SECRET_FIELDS = [
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'idToken',
  'id_token',
  'clientSecret',
  'clientKey',
  'clientPrivateKey',
  'dpopKey',
  'dpopPrivateKey',
  'client_assertion',
  'client_secret',
  'apiKey',
  'password',
  'webhookSecret',
  'credential',
  'token',
  'code',
  'codeVerifier',
  'code_verifier',
  'state',
  'secret',
  'authorization',
  'cookie',
];

/** How deep a chain of causes is told. */
const MAX_CAUSES = 4;

/**
 * An error for the log: kind, message, code, stack and the same of its causes. Other fields are left out: libraries hang
 * requests and answers on their errors, and those hold tokens.
 */
export const describeError = (error: unknown, depth = 0): unknown => {
  if (!(error instanceof Error)) return { type: typeof error };
  // Not as `code`, which is redacted: so is an authorization code called.
  const code = 'code' in error && typeof error.code === 'string' ? { errorCode: error.code } : {};
  const cause =
    error.cause !== undefined && depth < MAX_CAUSES ? { cause: describeError(error.cause, depth + 1) } : {};
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
};

/**
 * The server's logger: JSON lines on standard output. Redaction by field name is the second net: the first is that
 * nobody hands a secret to the log.
 */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      mixin: currentLogContext,
      // What a line says itself wins.
      mixinMergeStrategy: (line, context) => ({ ...context, ...line }),
      serializers: { err: (error: unknown) => describeError(error) },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `headers["${field}"]`]),
        censor: '[redacted]',
      },
    },
    destination ?? pino.destination({ sync: false }),
  );
