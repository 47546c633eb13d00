/** What a review is asked for; see the input schema. */
export interface ReviewInput {
  repository: string;
  base?: string;
  /** Left out only with a pull request. */
  head?: string;
  pull_request?: number;
  post_comments?: boolean;
  ai_review?: boolean;
}
