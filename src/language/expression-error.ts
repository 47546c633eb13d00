/** An expression that cannot be parsed, or whose evaluation failed. The message is safe to show to the author. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** CEL source without `${{ }}`. */
  readonly source: string;

  constructor(source: string, message: string) {
    super(message);
    this.source = source;
  }
}

/** Thrown by helpers that do not know the source; `evaluate` turns it into an `ExpressionError`. */
export class LanguageFault extends Error {
  override readonly name = 'LanguageFault';
}
