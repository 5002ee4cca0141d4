/** The rooms of the API's own data. Filled by `manufacturing/`. */
export type Manufacturing = Record<string, never>;
