/** What one expression may cost. Parse-time limits bound the program, the others bound one evaluation. */
export const EXPRESSION_LIMITS = {
  source_chars: 16_384,
  ast_nodes: 4_000,
  /** Brackets and members. */
  depth: 64,
  /** Operators in a row nest too (`!!x`, `1 + 1 + …`), and the engine is recursive: keeps far from the stack's end. */
  tree_depth: 512,
  list_elements: 1_000,
  /** Nested macros multiply: three levels over 100 items are a million steps. */
  nested_comprehensions: 3,
  /** One unit is about one node evaluated, one element looked at or 16 characters copied. */
  cost: 1_000_000,
  result_nodes: 100_000,
  /** Characters of text in a result, and of a rendered text. */
  result_chars: 1_048_576,
  /** Nesting of a value read or made by an expression. */
  value_depth: 128,
  cached_programs: 2_000,
} as const;
