"""Models' code for the tests of transform jobs."""

# Answers each row with its sum, and prints the first of each request.
SUM = """
    import os
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body.decode() if isinstance(body, bytes) else body
    def predict_fn(body, model):
        # In one piece: another worker may print as well.
        os.write(1, f"first row {body.split()[0]}\\n".encode())
        return "\\n".join(str(sum(int(x) for x in row.split(","))) for row in body.split())
    def output_fn(answer, accept):
        return answer
    """
# Answers with what the container sees.
SEEN = """
    import json, os
    def model_fn(model_dir):
        return sorted(os.listdir(model_dir))
    def input_fn(body, content_type):
        return content_type
    def predict_fn(content_type, files):
        return {"content_type": content_type, "environment": dict(os.environ), "files": files}
    def output_fn(answer, accept):
        return json.dumps({**answer, "accept": accept}), accept
    """
# Answers once another worker is asked as well.
TOGETHER = """
    import os, tempfile, time
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body
    def predict_fn(body, model):
        folder = tempfile.gettempdir()
        open(os.path.join(folder, f"asked-{os.getpid()}"), "w").close()
        deadline = time.monotonic() + 60
        while sum(name.startswith("asked-") for name in os.listdir(folder)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return body
    def output_fn(answer, accept):
        return answer
    """
# Kills its server when it is asked for a row of nines: always, or the first time.
KILLS = """
    import os, signal, time
    def model_fn(model_dir):
        return None
    def input_fn(body, content_type):
        return body.decode() if isinstance(body, bytes) else body
    def predict_fn(body, model):
        os.write(1, f"asked {body}\\n".encode())
        if "9,9" in body and (os.environ["HOW"] == "always" or not s3_mark()):
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        return "\\n".join(str(len(row)) for row in body.split())
    def output_fn(answer, accept):
        return answer
    def s3_mark():
        import boto3
        s3 = boto3.client("s3")
        if "Contents" in s3.list_objects_v2(Bucket="models", Prefix=os.environ["HOW"]):
            return True
        s3.put_object(Bucket="models", Key=os.environ["HOW"], Body=b"killed")
        return False
    """
