# Two stages: build one static file, run it as nobody on nothing.
# The Graph SDK needs about 6 GB of memory to compile.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/fanfare/fanfare/server.Version=${VERSION}" -o /fanfare ./cmd/fanfare

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /fanfare /fanfare
ENV FANFARE_LISTEN=:8080
EXPOSE 8080
USER nonroot
ENTRYPOINT ["/fanfare"]
CMD ["serve"]
