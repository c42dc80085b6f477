/** How a model in production is fetched, in the words of each tool. */

import type { Way } from "../../parts/Snippet";

export function waysToUse(project: string, model: string, server: string): Way[] {
  const reference = `${project}/${model}@production`;
  const path = `${encodeURIComponent(project)}/models/${encodeURIComponent(model)}`;
  return [
    {
      key: "python",
      label: "Python",
      code: `import lockgate\n\nfolder = lockgate.use_model("${reference}", url="${server}")`,
    },
    { key: "cli", label: "CLI", code: `lockgate --url ${server} pull ${reference} ./model` },
    { key: "curl", label: "curl", code: `curl -fsS "${server}/api/v1/projects/${path}/production"` },
    {
      key: "mlflow",
      label: "MLflow",
      code: `import mlflow\n\nmlflow.set_registry_uri("${server}")\nmodel = mlflow.pyfunc.load_model("models:/${model}/Production")`,
    },
    {
      key: "hf",
      label: "Hugging Face",
      code: `HF_ENDPOINT=${server}/hf hf download ${project}/${model} --revision production`,
    },
  ];
}
