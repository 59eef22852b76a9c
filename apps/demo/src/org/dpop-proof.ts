import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** What Okta takes as fresh. */
const MAX_AGE_SECONDS = 300;

/** What a proof has to be about. */
export interface ProvedCall {
  method: string;
  url: URL;
  token: string;
  /** Of the key that the token is bound to. */
  thumbprint: string;
}

/** Checks proofs of possession on the org's API (RFC 9449 section 7.1). It remembers each, so that none works twice. */
export class ProofChecker {
  readonly #seen = new Set<string>();

  /** @param wallMillis the clock that clients share, not the org's moved one. */
  constructor(private readonly wallMillis: () => number) {}

  /** Whether a `DPoP` header proves the key for this call. */
  async check(proof: string | undefined, { method, url, token, thumbprint }: ProvedCall): Promise<boolean> {
    if (proof === undefined) return false;
    const verified = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256', 'RS256'],
      currentDate: new Date(this.wallMillis()),
      maxTokenAge: MAX_AGE_SECONDS,
      clockTolerance: 60,
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
    }).catch(() => undefined);
    if (!verified?.protectedHeader.jwk) return false;
    const { jti, htm, htu, ath } = verified.payload;
    const isUnused = jti !== undefined && !this.#seen.has(jti);
    if (jti !== undefined) this.#seen.add(jti);
    return (
      isUnused &&
      htm === method &&
      htu === `${url.origin}${url.pathname}` &&
      ath === createHash('sha256').update(token).digest('base64url') &&
      (await calculateJwkThumbprint(verified.protectedHeader.jwk)) === thumbprint
    );
  }
}
