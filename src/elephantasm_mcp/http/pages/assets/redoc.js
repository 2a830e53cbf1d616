Redoc.init("/openapi.json", { expandResponses: "200,201" }, document.getElementById("page"));
