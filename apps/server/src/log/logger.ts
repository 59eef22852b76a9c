import { type DestinationStream, type Logger, pino } from 'pino';

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

/**
 * The server's logger: JSON lines on standard output. Redaction by field name is the second net: the first is that
 * nobody hands a secret to the log.
 */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `headers["${field}"]`]),
        censor: '[redacted]',
      },
    },
    destination ?? pino.destination({ sync: false }),
  );
