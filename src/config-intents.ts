import { z } from 'zod';
import { address, field, httpUrl, integer, secretText, section, word } from './config-fields.ts';

/** Who understands what somebody asks for in their own words. */
export const intents = section({
  address: field(
    address.optional(),
    'gRPC address of an intent service; without it the language model, or else the rules of the product.',
  ),
  tls_ca_file: field(
    word.optional(),
    'Certificates (PEM) to trust for it; with `system`, those of the system.',
    {
      default_text: 'in clear',
    },
  ),
  deadline_seconds: field(integer(1, 3600).default(60), 'For one question to it, attempts and all.'),
  listen: field(address.default('127.0.0.1:50051'), 'Where `npm run intent-service` listens.'),
});

/** The language model that plans and reviews, where there is one. */
export const llm = section({
  provider: field(
    z.enum(['openai', 'anthropic'], 'must be openai or anthropic').optional(),
    'Protocol of the language model’s API; none is asked without it.',
  ),
  base_url: field(httpUrl.optional(), 'Of the API.', { default_text: 'the provider’s' }),
  model: field(word.optional(), 'Which model is asked.'),
  api_key: field(secretText(1).optional(), 'Key of the API.', { secret: true }),
  timeout_seconds: field(integer(1, 3600).default(120), 'For one answer.'),
}).superRefine((settings, ctx) => {
  if (settings.provider === undefined) return;
  for (const name of ['model', 'api_key'] as const)
    if (settings[name] === undefined)
      ctx.addIssue({ code: 'custom', path: [name], message: 'is required with llm.provider' });
});
