/** A public key in the form that providers take, with no private part. @see RFC 7517 */
export interface PublicJwk {
  readonly kty: string;
  readonly [member: string]: string;
}

/** A private key as JWK. Secret: it is sealed wherever it is kept, and never logged. @see RFC 7518 section 6 */
export interface PrivateJwk extends PublicJwk {
  readonly d: string;
}
