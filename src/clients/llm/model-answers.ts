import { AppError } from '../../contract/errors.ts';

/** It does not want to. */
export function declined(): AppError {
  return new AppError('validation_failed', { detail: 'The language model declined to answer.' });
}

/** `max_tokens` was too little for the answer. */
export function cutOff(): AppError {
  return new AppError('validation_failed', {
    detail: 'The answer of the language model is longer than allowed.',
  });
}

/** It did not keep to the protocol, which another time it may. */
export function unreadable(): AppError {
  return new AppError('overloaded', { detail: 'The language model answered what is no answer.' });
}
