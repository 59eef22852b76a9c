import type { AuthMethod } from '@authpipe/providers';

/** One card under “What Authpipe handles”. */
export interface HandledWork {
  readonly title: string;
  readonly text: string;
  readonly icon: 'exchange' | 'vault' | 'refresh' | 'health';
}

const VAULT: HandledWork = {
  title: 'Encrypted Vault',
  text: 'AES-256-GCM encryption with per-tenant key isolation. OAuth tokens, API keys, and webhook secrets — never exposed to the frontend.',
  icon: 'vault',
};

/** What Authpipe does for a kind of auth method: only what that kind has; a static key is never refreshed. */
export function handledWork(method: AuthMethod): readonly HandledWork[] {
  switch (method.kind) {
    case 'oauth2':
      return [
        {
          title: 'OAuth Orchestration',
          text: `${method.pkce === 'S256' ? 'PKCE, state' : 'State'} validation, callback handling, and provider-specific quirks — all automatic.`,
          icon: 'exchange',
        },
        VAULT,
        {
          title: 'Silent Refresh',
          text: 'Proactive token refresh before expiry. SDK returns from local cache with zero latency.',
          icon: 'refresh',
        },
        {
          title: 'Health Monitoring',
          text: 'Scheduled checks detect revoked tokens and expired credentials before users notice.',
          icon: 'health',
        },
      ];
    case 'client_credentials':
      return [
        {
          title: 'Token Exchange',
          text: 'The client ID and secret go to the token endpoint and nowhere else. Your app sees the short-lived token only.',
          icon: 'exchange',
        },
        VAULT,
        {
          title: 'Silent Renewal',
          text: 'A new access token before the old one expires. SDK returns from local cache with zero latency.',
          icon: 'refresh',
        },
        {
          title: 'Health Monitoring',
          text: 'Scheduled checks detect deleted API clients and rotated secrets before users notice.',
          icon: 'health',
        },
      ];
    case 'api_key':
    case 'basic':
    case 'webhook_secret':
      return [
        {
          title: 'Hosted Form',
          text: 'A page of Authpipe’s own takes the credential and tries it with the provider before it is kept.',
          icon: 'exchange',
        },
        VAULT,
        {
          title: 'Local Cache',
          text: 'SDK returns from local cache with zero latency, and picks up a replaced credential by itself.',
          icon: 'refresh',
        },
        {
          title: 'Health Monitoring',
          text: 'Scheduled checks detect deleted and replaced credentials before users notice.',
          icon: 'health',
        },
      ];
  }
}
