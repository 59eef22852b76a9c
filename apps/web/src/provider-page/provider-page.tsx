import type { ProviderDefinition } from '@authpipe/providers';
import { mainMethodOf } from '../main-method.js';
import type { Page } from '../site/page.js';
import { AuthModel } from './auth-model.js';
import { CallToAction } from './call-to-action.js';
import { ConnectionFlow } from './connection-flow.js';
import { HandledCards } from './handled-cards.js';
import { MoreProviders } from './more-providers.js';
import { ProviderHero } from './provider-hero.js';
import { ScopeList } from './scope-list.js';

/** The page of one provider, `/providers/<id>`: all of it comes from the definition and from words per kind. */
export function providerPage(provider: ProviderDefinition): Page {
  const method = mainMethodOf(provider);
  return {
    path: `/providers/${provider.id}`,
    title: `Connect ${provider.name}`,
    description: `${provider.description} ${method.name} for your product, with Authpipe.`,
    content: (
      <article className="wrap provider-page">
        <ProviderHero provider={provider} />
        <AuthModel provider={provider} />
        <ConnectionFlow provider={provider} />
        <ScopeList provider={provider} />
        <HandledCards provider={provider} />
        <MoreProviders provider={provider} />
        <CallToAction provider={provider} />
      </article>
    ),
  };
}
