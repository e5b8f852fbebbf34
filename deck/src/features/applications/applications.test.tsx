import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { gate } from "@/api/gate";
import { renderUi } from "@/test-utils";
import { CreateApplicationDialog, providersOf } from "./components/create-application-dialog";
import { DeleteApplicationDialog } from "./components/delete-application-dialog";
import { matching } from "./pages/applications-page";

it("finds applications by every word, anywhere in what is shown", () => {
  const all = [
    { name: "shop", email: "team@example.com", description: "Store front" },
    { name: "payments", email: "team@example.com" },
  ];
  expect(matching(all, "").map(({ name }) => name)).toEqual(["payments", "shop"]);
  expect(matching(all, "TEAM store").map(({ name }) => name)).toEqual(["shop"]);
  expect(matching(all, "nothing")).toEqual([]);
});

it("offers the providers of the accounts, and kubernetes always", () => {
  expect(providersOf([])).toEqual(["kubernetes"]);
  expect(providersOf([{ name: "a", type: "aws" }])).toEqual(["aws", "kubernetes"]);
});

it("creates an application and goes to its pipelines", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "credentials").mockResolvedValue([{ name: "local", type: "kubernetes" }]);
  vi.spyOn(gate, "task").mockResolvedValue({ id: "T", status: "SUCCEEDED" });
  const create = vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "/tasks/T" });
  const { router } = renderUi(
    <CreateApplicationDialog opened onClose={vi.fn()} taken={["shop"]} />,
  );
  await user.type(await screen.findByLabelText(/Name/), "shop");
  expect(screen.getByText("An application named shop already exists.")).toBeVisible();
  await user.type(screen.getByLabelText(/Name/), "2");
  await user.click(screen.getByRole("button", { name: "Create" }));
  expect(screen.getByText("Enter the email address of the owner.")).toBeVisible();
  expect(create).not.toHaveBeenCalled();
  await user.type(screen.getByLabelText(/Owner email/), "me@example.com");
  await user.click(screen.getByRole("button", { name: "Create" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/applications/shop2/pipelines"));
  expect(create).toHaveBeenCalledWith({
    application: "shop2",
    description: "Create application: shop2",
    job: [
      {
        type: "createApplication",
        application: {
          name: "shop2",
          email: "me@example.com",
          description: "",
          cloudProviders: "kubernetes",
        },
      },
    ],
  });
});

it("deletes only what was typed out, and shows why it could not", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "/tasks/T" });
  vi.spyOn(gate, "task").mockResolvedValue({
    id: "T",
    status: "TERMINAL",
    variables: [{ key: "exception", value: { details: { errors: ["It still has clusters."] } } }],
  });
  const onClose = vi.fn();
  renderUi(<DeleteApplicationDialog application="shop" onClose={onClose} />);
  const confirm = await screen.findByRole("button", { name: "Delete application" });
  expect(confirm).toBeDisabled();
  await user.type(screen.getByLabelText("Type shop to confirm"), "shop");
  await user.click(confirm);
  expect(await screen.findByRole("alert")).toHaveTextContent("It still has clusters.");
  expect(onClose).not.toHaveBeenCalled();
});
