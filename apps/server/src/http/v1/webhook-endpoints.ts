import {
  rotateWebhookSecretRequest,
  webhookDelivery,
  webhookDeliveryPage,
  webhookDeliveryStatus,
  webhookEndpoint,
  webhookEndpointChange,
  webhookEndpointRequest,
  webhookEndpointWithSecret,
  webhookReplay,
  webhookReplayRequest,
} from '@authpipe/types';
import { z } from 'zod';
import type { Webhooks } from '../../webhooks/create-webhooks.js';
import type { EndpointStore } from '../../webhooks/endpoint-store.js';
import { defineRoute, type Route } from '../route.js';
import { requireWholeProduct } from '../tenant-limit.js';

/** What the routes need. */
export interface WebhookRouteDependencies {
  readonly endpoints: EndpointStore;
  readonly webhooks: Pick<Webhooks, 'listDeliveries' | 'replayDelivery' | 'replayRange' | 'tick'>;
}

const PATH = '/webhook-endpoints';
const one = z.object({ id: z.string() });
const DEFAULT_PAGE = 50;

const deliveryQuery = z.strictObject({
  status: webhookDeliveryStatus.optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(DEFAULT_PAGE),
});

/** Where the app is told of events. All need `admin`, and a key without a tenant limit. */
export const webhookEndpointRoutes = ({ endpoints, webhooks }: WebhookRouteDependencies): Route[] => {
  const common = { scope: 'admin' } as const;
  /** What is due now need not wait for the next look. */
  const hurry = (): void => void webhooks.tick();

  return [
    defineRoute({
      ...common,
      method: 'post',
      path: PATH,
      summary: 'Make a webhook endpoint; its secret is shown this once',
      body: webhookEndpointRequest,
      answer: webhookEndpointWithSecret,
      handle: async ({ key, body }) => {
        requireWholeProduct(key);
        return { status: 201, body: await endpoints.createEndpoint(key.environment, body) };
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: PATH,
      summary: 'The webhook endpoints, without their secrets',
      answer: z.object({ data: z.array(webhookEndpoint) }),
      handle: async ({ key }) => {
        requireWholeProduct(key);
        return { body: { data: await endpoints.listEndpoints(key.environment) } };
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: `${PATH}/:id`,
      summary: 'A webhook endpoint, without its secret',
      params: one,
      answer: webhookEndpoint,
      handle: async ({ key, params: { id } }) => {
        requireWholeProduct(key);
        return { body: await endpoints.getEndpoint(id, key.environment) };
      },
    }),
    defineRoute({
      ...common,
      method: 'patch',
      path: `${PATH}/:id`,
      summary: 'Change a webhook endpoint, pause it, or enable it again',
      params: one,
      body: webhookEndpointChange,
      answer: webhookEndpoint,
      handle: async ({ key, params: { id }, body }) => {
        requireWholeProduct(key);
        const changed = await endpoints.updateEndpoint(id, key.environment, body);
        hurry();
        return { body: changed };
      },
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: `${PATH}/:id`,
      summary: 'Forget a webhook endpoint and its deliveries',
      params: one,
      handle: async ({ key, params: { id } }) => {
        requireWholeProduct(key);
        await endpoints.deleteEndpoint(id, key.environment);
        return { status: 204 };
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/rotate-secret`,
      summary: 'Give a webhook endpoint another secret; the one before signs too for a while',
      params: one,
      body: rotateWebhookSecretRequest,
      answer: webhookEndpointWithSecret,
      handle: async ({ key, params: { id }, body: { previousValidForSeconds } }) => {
        requireWholeProduct(key);
        return { body: await endpoints.rotateSecret(id, key.environment, previousValidForSeconds) };
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: `${PATH}/:id/deliveries`,
      summary: 'What a webhook endpoint was sent, and what waits; newest event first',
      params: one,
      query: deliveryQuery,
      answer: webhookDeliveryPage,
      handle: async ({ key, params: { id }, query }) => {
        requireWholeProduct(key);
        await endpoints.getEndpoint(id, key.environment);
        return { body: await webhooks.listDeliveries(id, query) };
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/deliveries/:eventId/replay`,
      summary: 'Send one event again',
      params: one.extend({ eventId: webhookDelivery.shape.eventId }),
      answer: webhookReplay,
      handle: async ({ key, params: { id, eventId } }) => {
        requireWholeProduct(key);
        const queued = await webhooks.replayDelivery(id, key.environment, eventId);
        hurry();
        return { status: 202, body: { queued } };
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${PATH}/:id/replay`,
      summary: 'Send the events of a range of time again',
      params: one,
      body: webhookReplayRequest,
      answer: webhookReplay,
      handle: async ({ key, params: { id }, body }) => {
        requireWholeProduct(key);
        const queued = await webhooks.replayRange(id, key.environment, body);
        hurry();
        return { status: 202, body: { queued } };
      },
    }),
  ];
};
