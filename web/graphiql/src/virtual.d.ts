declare module "virtual:prices" {
  const rules: import("../build/prices").PriceRules;
  export default rules;
}
