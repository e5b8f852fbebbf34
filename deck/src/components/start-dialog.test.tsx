import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import type { PipelineConfig } from "@/api/types";
import { anExecution, renderUi } from "@/test-utils";
import { initialParameters, parametersOf, StartDialog } from "./start-dialog";

const pipeline: PipelineConfig = {
  id: "release-id",
  name: "Release",
  application: "shop",
  parameterConfig: [
    { name: "version", label: "Version", required: true },
    {
      name: "region",
      hasOptions: true,
      options: [{ value: "eu" }, { value: "us" }],
      default: "eu",
    },
    { name: "count", default: 3 },
  ],
};

describe("StartDialog", () => {
  it("asks for what is required, starts, and goes to the execution", async () => {
    const user = userEvent.setup();
    const start = vi.spyOn(gate, "startPipeline").mockResolvedValue({ ref: "/pipelines/01JNEW" });
    const onClose = vi.fn();
    const { router } = renderUi(<StartDialog pipeline={pipeline} onClose={onClose} />);
    const submit = await screen.findByRole("button", { name: "Start" });
    await user.click(submit);
    expect(screen.getByText("Version is required.")).toBeVisible();
    expect(start).not.toHaveBeenCalled();
    await user.type(screen.getByLabelText(/Version/), "2.0");
    await user.click(submit);
    await waitFor(() => expect(start).toHaveBeenCalled());
    expect(start).toHaveBeenCalledWith("shop", "Release", {
      type: "manual",
      parameters: { version: "2.0", region: "eu", count: "3" },
    });
    await waitFor(() =>
      expect(router.state.location.pathname).toBe("/applications/shop/executions/01JNEW"),
    );
    expect(router.state.location.state).toEqual({ justStarted: true });
    expect(onClose).toHaveBeenCalled();
  });

  it("shows the server's refusal in the dialog", async () => {
    const user = userEvent.setup();
    vi.spyOn(gate, "startPipeline").mockRejectedValue(new ApiError(400, "Pipeline is disabled"));
    renderUi(<StartDialog pipeline={{ ...pipeline, parameterConfig: [] }} onClose={vi.fn()} />);
    await user.click(await screen.findByRole("button", { name: "Start" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Pipeline is disabled");
  });

  it("takes over the parameters and artifacts of an earlier execution", async () => {
    const user = userEvent.setup();
    const start = vi.spyOn(gate, "startPipeline").mockResolvedValue({ ref: "/pipelines/01JNEW" });
    const like = anExecution({
      trigger: {
        type: "manual",
        parameters: { version: "1.9", region: "us" },
        artifacts: [{ type: "docker/image", name: "shop" }],
      },
    });
    renderUi(<StartDialog pipeline={pipeline} like={like} onClose={vi.fn()} />);
    await user.click(await screen.findByRole("button", { name: "Run again" }));
    await waitFor(() => expect(start).toHaveBeenCalled());
    expect(start).toHaveBeenCalledWith("shop", "Release", {
      type: "manual",
      parameters: { version: "1.9", region: "us", count: "3" },
      artifacts: [{ type: "docker/image", name: "shop" }],
    });
  });

  it("shows what would change, of the values that stand in the form", async () => {
    const user = userEvent.setup();
    const start = vi.spyOn(gate, "startPipeline");
    const plan = vi
      .spyOn(gate, "planPipeline")
      .mockResolvedValueOnce({ stages: [], problems: [], unknown: [] })
      .mockRejectedValueOnce(new ApiError(400, "The template does not fit"));
    renderUi(<StartDialog pipeline={pipeline} onClose={vi.fn()} />);
    const show = await screen.findByRole("button", { name: "Show changes" });
    await user.click(show);
    expect(screen.getByText("Version is required.")).toBeVisible();
    expect(plan).not.toHaveBeenCalled();
    await user.type(screen.getByLabelText(/Version/), "2.0");
    await user.click(show);
    expect(await screen.findByRole("region", { name: "What would change" })).toBeVisible();
    expect(plan).toHaveBeenCalledWith(pipeline, {
      type: "manual",
      parameters: { version: "2.0", region: "eu", count: "3" },
    });
    await user.type(screen.getByLabelText(/Version/), "1");
    expect(screen.queryByRole("region", { name: "What would change" })).toBeNull();
    await user.click(show);
    expect(await screen.findByRole("alert")).toHaveTextContent("The template does not fit");
    expect(start).not.toHaveBeenCalled();
  });

  it("warns as the pipeline asks it to", async () => {
    renderUi(
      <StartDialog
        pipeline={{ ...pipeline, manualStartAlert: { type: "danger", message: "It is Friday." } }}
        onClose={vi.fn()}
      />,
    );
    expect(await screen.findByText("It is Friday.")).toBeVisible();
  });
});

it("survives parameters that people wrote wrongly", () => {
  const broken = { ...pipeline, parameterConfig: [null, {}, { name: "ok" }] } as unknown;
  expect(parametersOf(broken as PipelineConfig).map((parameter) => parameter.name)).toEqual(["ok"]);
  expect(parametersOf({ ...pipeline, parameterConfig: undefined })).toEqual([]);
  expect(initialParameters(pipeline, undefined)).toEqual({ version: "", region: "eu", count: "3" });
});
