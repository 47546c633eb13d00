export interface SecretFormat {
  name: string;
  pattern: RegExp;
  /** Which group of the pattern is the secret; the whole when left out. */
  group?: number;
  /** Tests make such things for themselves. */
  is_made_up?: boolean;
}

/** Tokens that tell by their form what they are. Every pattern is linear: no loop stands in a loop. */
export const SECRET_FORMATS: readonly SecretFormat[] = [
  { name: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  { name: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,100}\b/g },
  { name: 'a GitHub token', pattern: /\bgithub_pat_[A-Za-z0-9_]{60,120}\b/g },
  { name: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,60}/g },
  { name: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,120}/g },
  {
    name: 'a Slack webhook',
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,14}\/B[A-Z0-9]{6,14}\/[A-Za-z0-9]{16,32}/g,
  },
  { name: 'a Stripe key', pattern: /\b(?:sk|rk)_(?:live|prod)_[A-Za-z0-9]{10,120}\b/g },
  { name: 'a webhook signing secret', is_made_up: true, pattern: /\bwhsec_[A-Za-z0-9+/=]{24,120}/g },
  { name: 'a Google API key', pattern: /\bAIza[0-9A-Za-z_-]{35}\b/g },
  { name: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { name: 'a PyPI token', pattern: /\bpypi-[A-Za-z0-9_-]{50,250}/g },
  { name: 'a SendGrid key', pattern: /\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}/g },
  { name: 'a Twilio key', pattern: /\bSK[0-9a-f]{32}\b/g },
  { name: 'an OpenAI or Anthropic key', pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,180}/g },
  { name: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{30,40}\b/g },
  { name: 'a DigitalOcean token', pattern: /\bdo[opr]_v1_[a-f0-9]{64}\b/g },
  { name: 'a Shopify token', pattern: /\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b/g },
  { name: 'an Azure storage key', pattern: /AccountKey=([A-Za-z0-9+/]{80,90}={0,2})/g, group: 1 },
  {
    name: 'a signed token',
    is_made_up: true,
    pattern: /\beyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,1500}\.[A-Za-z0-9_-]{20,600}/g,
  },
  {
    name: 'a private key',
    is_made_up: true,
    pattern: /-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g,
  },
  {
    name: 'a password in an address',
    is_made_up: true,
    pattern: /\b[a-z][a-z0-9+]{1,20}:\/\/[^\s:/@'"`$<{]{1,60}:([^\s:/@'"`$<{]{3,100})@[\w.-]{1,100}/gi,
    group: 1,
  },
];
