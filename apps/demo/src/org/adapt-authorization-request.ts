/** Carries the scopes as the app asked for them; see {@link adaptAuthorizationRequest}. */
export const REQUESTED_SCOPE_PARAMETER = 'sandbox_requested_scope';

/**
 * Changes the parameters of an authorization request, so that oidc-provider treats it as Okta would:
 * - it drops `offline_access` unless the request says `prompt=consent` (OpenID Connect Core 11), which Okta does not
 *   ask for. `prompt=none` is left alone: it forbids every page.
 * - it drops scopes it does not know, which Okta refuses. They are kept in a parameter of their own.
 */
export function adaptAuthorizationRequest(parameters: URLSearchParams): void {
  const scope = parameters.get('scope');
  if (scope === null) parameters.delete(REQUESTED_SCOPE_PARAMETER);
  else parameters.set(REQUESTED_SCOPE_PARAMETER, scope);

  const prompts = parameters.get('prompt')?.split(' ') ?? [];
  const wantsRefreshToken = scope?.split(' ').includes('offline_access') ?? false;
  if (!wantsRefreshToken || prompts.includes('none') || prompts.includes('consent')) return;
  parameters.set('prompt', [...prompts, 'consent'].join(' '));
}
