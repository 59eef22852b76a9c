import type { AuthMethod, ProviderDefinition } from '@authpipe/providers';
import { mainMethodOf } from '../main-method.js';

/** The lines that get a credential in Node and use it, for a provider's main method. */
export function nodeSnippet(provider: ProviderDefinition): string {
  const method = mainMethodOf(provider);
  return [
    `// ${promiseOf(method)}`,
    'const { credential } = await authpipe.getCredential({',
    `  provider: '${provider.id}',`,
    "  tenantId: 'org_acme',",
    `  ${ownerArgument(method)},`,
    '});',
    '// Use the credential with the provider API',
    "const response = await fetch('https://api.example.com/data', {",
    `  headers: { ${headerEntries(method)} },`,
    '});',
  ].join('\n');
}

/** The button that connects a provider, for React. */
export function reactSnippet(provider: ProviderDefinition): string {
  return [
    '// Drop-in React component',
    '<ConnectButton',
    `  provider="${provider.id}"`,
    "  onSuccess={(conn) => console.log('Connected!', conn)}",
    '/>',
  ].join('\n');
}

/** Only what expires can be fresh. */
function promiseOf(method: AuthMethod): string {
  const expires = method.kind === 'oauth2' || method.kind === 'client_credentials';
  return expires
    ? 'Get a valid credential — always fresh, zero latency'
    : 'Get the stored credential — zero latency';
}

/** A person grants OAuth; keys and API clients belong to a whole organisation. */
function ownerArgument(method: AuthMethod): string {
  return method.kind === 'oauth2' ? "userId: 'user_123'" : "owner: 'tenant'";
}

function headerEntries(method: AuthMethod): string {
  switch (method.kind) {
    case 'oauth2':
    case 'client_credentials':
      return `Authorization: \`Bearer \${credential}\``;
    case 'basic':
      return `Authorization: \`Basic \${credential}\``;
    case 'api_key':
      return Object.entries(method.headers)
        .map(([name, template]) => `${propertyName(name)}: ${headerValue(template)}`)
        .join(', ');
    case 'webhook_secret':
      return '';
  }
}

function propertyName(header: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(header) ? header : `'${header}'`;
}

/** `{apiKey}` alone is the credential itself; within other text it needs a template literal. */
function headerValue(template: string): string {
  if (template === '{apiKey}') return 'credential';
  return template.includes('{apiKey}')
    ? `\`${template.replace('{apiKey}', `\${credential}`)}\``
    : `'${template}'`;
}
