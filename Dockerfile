# An agent: computes batches of scheduled runs (docs/agents.md). Mount a clone of your project at /project.
#   docker build --build-arg TORCH=cpu -t semflow .      TORCH=cu130 for machines with a GPU
#   docker run -v /path/to/clone:/project -e PREFECT_API_URL=http://host:4200/api semflow
FROM python:3.11-slim
ARG TORCH=cpu
RUN apt-get update && apt-get install -y --no-install-recommends git libgl1 libglib2.0-0 && \
    rm -rf /var/lib/apt/lists/* && \
    # The clone belongs to another user than the container's, which git refuses otherwise.
    git config --system --add safe.directory /project
WORKDIR /opt/semflow
COPY . .
RUN python -m pip install --no-cache-dir "uv==0.13.8" && \
    UV_TORCH_BACKEND=${TORCH} uv pip install --system --no-cache --constraint constraints.txt ".[s3]"
WORKDIR /project
ENTRYPOINT ["semflow"]
CMD ["agent"]
