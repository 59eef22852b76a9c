import type { PrivateJwk, PublicJwk } from '../jwk.js';
import { type ClientKey, createClientKey } from './client-key.js';
import { type ClientProof, isSameSecret } from './client-secret-store.js';

/** What a request says of the client's proof. */
export interface GivenProof {
  readonly clientSecret: string | undefined;
  readonly clientKey: ClientKey | null;
  /** Whether the method signs with a key (`private_key_jwt`). */
  readonly signs: boolean;
}

/** What proves the client from now on. */
export interface NextProof extends ClientProof {
  readonly clientJwk: PublicJwk | null;
  /** Whether what the provider said of the old one says nothing any more. */
  readonly isNew: boolean;
}

const isSameKey = (one: PrivateJwk | null, other: PrivateJwk): boolean =>
  one !== null && isSameSecret(JSON.stringify(one), JSON.stringify(other));

const nextKey = async (
  { clientKey: given }: GivenProof,
  stored: ClientProof & { readonly clientJwk: PublicJwk | null },
  goesElsewhere: boolean,
): Promise<NextProof> => {
  const isKept = given ? isSameKey(stored.clientKey, given.privateJwk) : !goesElsewhere;
  const { clientKey, clientJwk } = stored;
  if (isKept && clientKey !== null) return { clientSecret: null, clientKey, clientJwk, isNew: false };
  const { privateJwk, publicJwk } = given ?? (await createClientKey());
  return { clientSecret: null, clientKey: privateJwk, clientJwk: publicJwk, isNew: true };
};

/**
 * The proof of a client after a request. A secret that is left out stays (the caller has made sure that it goes where it
 * went). A key is never sent anywhere, so that one that is left out can be replaced instead: Authpipe makes a key where
 * there is none, and another one where requests go to another host; a key that is known to one provider is not shown to
 * another.
 */
export const nextClientProof = async (
  given: GivenProof,
  stored: ClientProof & { readonly clientJwk: PublicJwk | null },
  goesElsewhere: boolean,
): Promise<NextProof> => {
  if (given.signs) return nextKey(given, stored, goesElsewhere);
  const { clientSecret } = given;
  const isNew =
    clientSecret !== undefined &&
    (stored.clientSecret === null || !isSameSecret(stored.clientSecret, clientSecret));
  return {
    clientSecret: clientSecret ?? stored.clientSecret,
    clientKey: null,
    clientJwk: null,
    isNew,
  };
};
