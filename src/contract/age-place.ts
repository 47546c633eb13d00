/** When something was made, and its id: the place of a row in a list by age. */
export interface AgePlace {
  created_at: Date;
  id: string;
}
