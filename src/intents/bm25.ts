const K1 = 1.2;
const B = 0.75;

export interface Ranked<T> {
  item: T;
  score: number;
}

/**
 * Okapi BM25 over short texts, given as their terms. Answers every item that shares a term with the query, best first;
 * items of equal score keep their order.
 */
export function bm25<T>(documents: readonly { item: T; terms: readonly string[] }[]) {
  const average = documents.reduce((sum, { terms }) => sum + terms.length, 0) / Math.max(1, documents.length);
  const counted = documents.map(({ item, terms }) => ({
    item,
    length: terms.length,
    counts: countTerms(terms),
  }));
  const found_in = countTerms(counted.flatMap(({ counts }) => [...counts.keys()]));
  const rarity = (term: string) => {
    const count = found_in.get(term) ?? 0;
    return Math.log(1 + (documents.length - count + 0.5) / (count + 0.5));
  };
  return (query: readonly string[]): Ranked<T>[] =>
    counted
      .map(({ item, length, counts }) => ({
        item,
        score: [...new Set(query)].reduce((sum, term) => {
          const count = counts.get(term) ?? 0;
          return sum + (rarity(term) * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / average));
        }, 0),
      }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score);
}

function countTerms(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}
