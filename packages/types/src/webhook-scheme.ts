import { z } from 'zod';

/** A header's name as definitions write it: lower case. @see RFC 9110 section 5.1 */
const headerName = z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/);

/** Page of the provider's documentation that the scheme comes from. */
const source = z.string();

/** The provider signs each webhook with a shared secret: a hexadecimal or base64 HMAC in a header. @see RFC 2104 */
const hmacScheme = z
  .object({
    kind: z.literal('hmac'),
    /** Holds the signature. */
    header: headerName,
    algorithm: z.enum(['sha256', 'sha1']),
    encoding: z.enum(['hex', 'base64']),
    /** Stands before the signature in the header, such as `sha256=`. */
    prefix: z.string().max(64).optional(),
    /** What is signed: text around `{body}`, `{timestamp}` and `{id}`, such as `v0:{timestamp}:{body}`. */
    signed: z.string().max(256),
    /** Holds the seconds since 1970 that `{timestamp}` stands for. */
    timestampHeader: headerName.optional(),
    /** How far that may be from now, in seconds. Default: 300. */
    toleranceSeconds: z.int().min(1).max(86_400).optional(),
    /** Holds what `{id}` stands for. */
    idHeader: headerName.optional(),
    source,
  })
  .refine(({ signed }) => signed.split('{body}').length === 2, 'must sign the body, once')
  .refine(
    ({ signed, timestampHeader, idHeader }) =>
      signed.includes('{timestamp}') === (timestampHeader !== undefined) &&
      signed.includes('{id}') === (idHeader !== undefined),
    'must sign what it reads from headers, and read what it signs',
  );

/** The provider sends the secret itself, as the whole value of a header. */
const sharedSecretScheme = z.object({
  kind: z.literal('shared_secret'),
  header: headerName,
  /** The administrator may pick another header at the provider. */
  headerIsChosen: z.boolean().optional(),
  source,
});

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
const standardWebhooksScheme = z.object({ kind: z.literal('standard_webhooks'), source });

/** How a provider proves that a webhook is its own: `webhooks` of `GET /v1/providers/{id}`. */
export const webhookScheme = z.discriminatedUnion('kind', [
  hmacScheme,
  sharedSecretScheme,
  standardWebhooksScheme,
]);
export type WebhookScheme = z.infer<typeof webhookScheme>;
