/** The rules for this page. The packages are those of the folder above, which checks the rest. */
import globals from "globals";
import typescript from "typescript-eslint";

export default typescript.config(typescript.configs.recommendedTypeChecked, {
  languageOptions: {
    globals: globals.browser,
    parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } },
  },
});
