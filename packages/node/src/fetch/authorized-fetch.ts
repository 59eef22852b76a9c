import type { Credential } from '@authpipe/types';
import { abortable } from '../abortable.js';
import { callSite, errorOfCaller } from '../caller-stack.js';
import { type CredentialRef, checkRef } from '../credential-ref.js';
import { verdictOf } from '../credential-verdict.js';
import { AuthpipeError } from '../errors.js';
import { asksForNonce, DpopProver, needsProof } from './dpop.js';
import { insufficientScope } from './insufficient-scope.js';
import { type FetchInput, isReplayable, type OutgoingRequest, outgoingRequest } from './outgoing-request.js';
import { type Hop, MOST_REDIRECTS, nextHop } from './redirects.js';
import { isNewer, Refusals, type RefusalTools } from './refusals.js';
import { allowedOrigin, targetUrl } from './target-url.js';

/** What calls of providers' APIs need. */
export interface AuthorizedFetchTools extends RefusalTools {
  /** Sends the calls; must not follow redirects where told not to. */
  readonly providerFetch: typeof fetch;
}

/** `fetch` for providers' APIs: adds the credential, only where it may go, and answers refusals of it. */
export class AuthorizedFetch {
  readonly #tools: AuthorizedFetchTools;
  readonly #dpop: DpopProver;
  readonly #refusals: Refusals;

  constructor(tools: AuthorizedFetchTools) {
    this.#tools = tools;
    this.#dpop = new DpopProver(tools.clock);
    this.#refusals = new Refusals(tools);
  }

  /** A function with the signature of `fetch` for one connection. The ref is copied: changing it later changes nothing. */
  bind(ref: CredentialRef): typeof fetch {
    checkRef(ref);
    const own = { ...ref };
    return (input, init) => this.send(own, input as FetchInput, init);
  }

  /** Makes one call: see `Authpipe.fetch`. */
  async send(ref: CredentialRef, input: FetchInput, init?: RequestInit | null): Promise<Response> {
    const site = callSite();
    try {
      return await this.#send(ref, input, init);
    } catch (error) {
      throw errorOfCaller(error, site);
    }
  }

  async #send(ref: CredentialRef, input: FetchInput, init?: RequestInit | null): Promise<Response> {
    const request = outgoingRequest(input, init ?? {});
    const { signal } = request;
    let credential = await this.#tools.reader.read(ref, signal === undefined ? undefined : { signal });
    let hop: Hop = { ...request, url: targetUrl(request.target, credential) };
    let redirects = 0;
    let mayRenew = true;
    for (;;) {
      const response = await this.#exchange(request, hop, credential);
      try {
        if (response.status === 401 && !(needsProof(credential) && asksForNonce(response))) {
          const fresh = await this.#renewed(ref, credential, mayRenew && isReplayable(hop.body), signal);
          if (fresh === undefined) return response;
          mayRenew = false;
          credential = fresh;
          if (redirects === 0) hop = { ...hop, url: targetUrl(request.target, fresh) };
          else if (hop.url.origin !== allowedOrigin(fresh)) return response;
        } else {
          await this.#throwForScope(response, credential, signal);
          const next = request.redirect === 'follow' ? nextHop(hop, response) : undefined;
          if (next === undefined || redirects === MOST_REDIRECTS) return response;
          redirects += 1;
          hop = next;
        }
      } catch (error) {
        discard(response);
        throw error;
      }
      discard(response);
    }
  }

  /** One request and, where the API asks for a nonce in the proof, the same again with it. */
  async #exchange(request: OutgoingRequest, hop: Hop, credential: Credential): Promise<Response> {
    const response = await this.#sendOnce(request, hop, credential);
    if (!needsProof(credential)) return response;
    this.#dpop.learn(hop, response);
    if (!asksForNonce(response) || !isReplayable(hop.body)) return response;
    discard(response);
    const second = await this.#sendOnce(request, hop, credential);
    this.#dpop.learn(hop, second);
    return second;
  }

  #sendOnce(request: OutgoingRequest, hop: Hop, credential: Credential): Promise<Response> {
    const { method, url, body } = hop;
    const headers = withCredential(hop.headers, credential);
    if (needsProof(credential)) headers.set('dpop', this.#dpop.proof(credential, hop));
    return this.#tools.providerFetch(url.href, {
      ...(isReplayable(body) ? {} : { duplex: 'half' }),
      ...request.rest,
      method,
      headers,
      // Never `follow`: a redirect must not carry the credential to where nobody looked.
      redirect: request.redirect === 'error' ? 'error' : 'manual',
      ...(body === undefined || body === null ? {} : { body }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
  }

  /** What to try again with after a 401; `undefined` where there is nothing newer, or trying again is no use. */
  async #renewed(
    ref: CredentialRef,
    refused: Credential,
    mayRetry: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Credential | undefined> {
    if (!mayRetry) {
      await abortable(this.#refusals.report(refused, 401), signal);
      return undefined;
    }
    try {
      const fresh = await abortable(this.#refusals.replace(ref, refused), signal);
      return isNewer(fresh, refused) ? fresh : undefined;
    } catch (error) {
      signal?.throwIfAborted();
      // Authpipe's trouble is not the provider's answer: the 401 says more.
      if (verdictOf(error) === 'unknown') return undefined;
      throw error;
    }
  }

  async #throwForScope(
    response: Response,
    credential: Credential,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const error = insufficientScope(response, credential);
    if (error === undefined) return;
    await abortable(this.#refusals.report(credential, 403), signal);
    throw error;
  }
}

/** The caller's headers with the credential's over them. */
const withCredential = (own: Headers, credential: Credential): Headers => {
  const headers = new Headers(own);
  try {
    for (const [name, value] of Object.entries(credential.headers)) headers.set(name, value);
  } catch {
    // No cause: the platform's error quotes the value.
    throw new AuthpipeError(
      'invalid_request',
      'The credential of this connection holds a character that no HTTP header can carry: connect or import it again, copied whole and without line breaks.',
      { connectionId: credential.connectionId },
    );
  }
  return headers;
};

/** Lets go of an answer that nobody will read, and of its socket. */
const discard = (response: Response): void => {
  response.body?.cancel().catch(() => undefined);
};
