# docker build -t repro . && docker run -v "$PWD:/study" repro run table1 --budget smoke
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
# PyTorch for CPUs, without 5 GB of CUDA. For GPUs leave this line out.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
COPY . /repro
RUN pip install --no-cache-dir --editable /repro
WORKDIR /study
ENTRYPOINT ["repro"]
CMD ["--help"]
