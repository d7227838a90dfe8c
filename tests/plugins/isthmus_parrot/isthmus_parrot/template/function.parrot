polly
