import type { Linter } from 'eslint';
import type { FindingSeverity } from '../../contract/findings.ts';

/** ESLint's own rules that find defects; none that is about style. By what a hit means for who runs the code. */
const ERRORS: Linter.RulesRecord = {
  'constructor-super': 2,
  'for-direction': 2,
  'getter-return': 2,
  'no-async-promise-executor': 2,
  'no-class-assign': 2,
  'no-compare-neg-zero': 2,
  'no-const-assign': 2,
  'no-constant-binary-expression': 2,
  'no-dupe-args': 2,
  'no-dupe-class-members': 2,
  'no-dupe-else-if': 2,
  'no-dupe-keys': 2,
  'no-duplicate-case': 2,
  'no-ex-assign': 2,
  'no-func-assign': 2,
  'no-global-assign': 2,
  'no-import-assign': 2,
  'no-invalid-regexp': 2,
  'no-loss-of-precision': 2,
  'no-new-native-nonconstructor': 2,
  'no-obj-calls': 2,
  'no-self-compare': 2,
  'no-setter-return': 2,
  'no-sparse-arrays': 2,
  'no-this-before-super': 2,
  'no-undef': 2,
  'no-unexpected-multiline': 2,
  'no-unreachable': 2,
  // `for (const first of all) return first` is how one asks for the first of what is iterated.
  'no-unreachable-loop': [2, { ignore: ['ForOfStatement', 'ForInStatement'] }],
  'no-unsafe-finally': 2,
  'no-unsafe-negation': 2,
  'no-unsafe-optional-chaining': 2,
  'no-use-before-define': [2, { functions: false, classes: false, variables: false }],
  'use-isnan': 2,
  'valid-typeof': 2,
};

const WARNINGS: Linter.RulesRecord = {
  'array-callback-return': [2, { checkForEach: false }],
  eqeqeq: [2, 'smart'],
  'no-cond-assign': 2,
  'no-constant-condition': [2, { checkLoops: false }],
  'no-constructor-return': 2,
  'no-delete-var': 2,
  'no-empty': 2,
  'no-empty-character-class': 2,
  'no-empty-pattern': 2,
  'no-extend-native': 2,
  'no-fallthrough': 2,
  'no-irregular-whitespace': 2,
  'no-misleading-character-class': 2,
  'no-new-wrappers': 2,
  'no-octal': 2,
  'no-redeclare': [2, { builtinGlobals: false }],
  'no-self-assign': 2,
  'no-shadow-restricted-names': 2,
  'no-unused-expressions': [
    2,
    { allowShortCircuit: true, allowTernary: true, allowTaggedTemplates: true, enforceForJSX: false },
  ],
  'no-unused-private-class-members': 2,
  'no-useless-assignment': 2,
  'no-useless-backreference': 2,
  'no-useless-catch': 2,
  'require-yield': 2,
};

const NOTES: Linter.RulesRecord = {
  'no-unused-labels': 2,
  'no-unused-vars': [
    2,
    { args: 'none', caughtErrors: 'none', ignoreRestSiblings: true, varsIgnorePattern: '^_' },
  ],
};

/** What TypeScript's compiler checks better, or says otherwise. */
const NOT_FOR_TYPESCRIPT = [
  'constructor-super',
  'getter-return',
  'no-dupe-class-members',
  'no-redeclare',
  'no-undef',
  'no-unused-vars',
  'no-use-before-define',
  'no-useless-assignment',
];

/** The rules for a module. `has_modules`: it imports, so that a name without a declaration is a mistake. */
export function coreRules(language: 'javascript' | 'typescript', has_modules: boolean): Linter.RulesRecord {
  const rules: Linter.RulesRecord = { ...ERRORS, ...WARNINGS, ...NOTES };
  const off =
    language === 'typescript' ? NOT_FOR_TYPESCRIPT : has_modules ? [] : ['no-undef', 'no-unused-vars'];
  for (const name of off) delete rules[name];
  return rules;
}

export function coreSeverity(rule: string): FindingSeverity {
  if (rule in ERRORS) return 'error';
  return rule in WARNINGS ? 'warning' : 'note';
}
