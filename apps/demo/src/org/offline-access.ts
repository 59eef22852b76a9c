/**
 * oidc-provider drops `offline_access` unless the request says `prompt=consent` (OpenID Connect Core 11). Okta does
 * not ask for that, so the org adds it. `prompt=none` is left alone: it forbids every page.
 */
export function askForConsent(parameters: URLSearchParams): void {
  const scopes = parameters.get('scope')?.split(' ') ?? [];
  const prompts = parameters.get('prompt')?.split(' ') ?? [];
  if (!scopes.includes('offline_access') || prompts.includes('none') || prompts.includes('consent')) return;
  parameters.set('prompt', [...prompts, 'consent'].join(' '));
}
