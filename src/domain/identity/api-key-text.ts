import { hash, randomBytes } from 'node:crypto';

/** How an API key looks, so that people and scanners of secrets know one when they see it: 256 random bits. */
export const API_KEY = /^ok_[A-Za-z0-9_-]{43}$/;

export const newApiKeyText = (): string => `ok_${randomBytes(32).toString('base64url')}`;

/** What is kept of a key: it has too many bits to be guessed from its digest. */
export const apiKeyHash = (text: string): Buffer => hash('sha256', text, 'buffer');
